/* SPDX-License-Identifier: MIT */
/*
 * blur RADIUS IN OUT: a PNG with each pixel the mean of the square of
 * 2 RADIUS + 1 pixels around it, as far as the image has them. Colours count as
 * much as they are opaque, so that nothing shines through from where one sees
 * through.
 *
 * The mean is separable: first each pixel gets the sums of its row, then of
 * those the sums of its column. Either is a loop in two dimensions. In a block
 * the sum moves along: a pixel enters it and one leaves it, whatever the radius.
 */
#include <errno.h>
#include <png.h>
#include <skua/skua.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ALPHA = 3,
	CHANNELS = 4,
	MAX_RADIUS = 127, /* 255 * 255 * (2 * 127 + 1)^2 is below 2^32 */
	COLUMNS = 64 /* of a block: their sums are 1 KiB */
};

struct pixel {
	uint8_t of[CHANNELS];
};

/* Of colours times alpha, and of alpha. */
struct sums {
	uint32_t of[CHANNELS];
};

struct picture {
	uint64_t rows, cols, radius;
	struct pixel *pixels;
	struct sums *across;
};

static void enter(struct sums *sums, const struct pixel *pixel)
{
	for (int i = 0; i < ALPHA; i++)
		sums->of[i] += (uint32_t)pixel->of[i] * pixel->of[ALPHA];
	sums->of[ALPHA] += pixel->of[ALPHA];
}

static void leave(struct sums *sums, const struct pixel *pixel)
{
	for (int i = 0; i < ALPHA; i++)
		sums->of[i] -= (uint32_t)pixel->of[i] * pixel->of[ALPHA];
	sums->of[ALPHA] -= pixel->of[ALPHA];
}

static void enter_all(struct sums *sums, const struct sums *others, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		for (int j = 0; j < CHANNELS; j++)
			sums[i].of[j] += others[i].of[j];
}

static void leave_all(struct sums *sums, const struct sums *others, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		for (int j = 0; j < CHANNELS; j++)
			sums[i].of[j] -= others[i].of[j];
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The first and the last one but one of the square around @at. */
static uint64_t first(uint64_t at, uint64_t radius)
{
	return at - smaller(at, radius);
}

static uint64_t behind(uint64_t at, uint64_t radius, uint64_t count)
{
	return smaller(at + radius + 1, count);
}

/* The sums of each row. */
static int sum_across(skua_here here, const struct skua_block *block,
		      void *context)
{
	const struct picture *p = context;
	uint64_t radius = p->radius;

	(void)here;
	for (uint64_t y = block->row_begin; y < block->row_end; y++) {
		const struct pixel *row = p->pixels + y * p->cols;
		struct sums sums = { { 0 } };
		uint64_t x = block->col_begin, from = first(x, radius);
		uint64_t to = from;

		for (; x < block->col_end; x++) {
			while (to < behind(x, radius, p->cols))
				enter(&sums, &row[to++]);
			while (from < first(x, radius))
				leave(&sums, &row[from++]);
			p->across[y * p->cols + x] = sums;
		}
	}
	return 0;
}

static struct pixel mean(const struct sums *sums, uint64_t count)
{
	uint32_t alpha = sums->of[ALPHA];
	struct pixel mean = { { 0 } };

	for (int i = 0; i < ALPHA && alpha; i++)
		mean.of[i] = (uint8_t)((sums->of[i] + alpha / 2) / alpha);
	mean.of[ALPHA] = (uint8_t)((alpha + count / 2) / count);
	return mean;
}

/* The sums of their columns, and what they come to. */
static int sum_down(skua_here here, const struct skua_block *block,
		    void *context)
{
	const struct picture *p = context;
	struct sums sums[COLUMNS] = { { { 0 } } };
	const struct sums *across = p->across + block->col_begin;
	uint64_t radius = p->radius, n = block->col_end - block->col_begin;
	uint64_t y = block->row_begin, from = first(y, radius), to = from;

	(void)here;
	for (; y < block->row_end; y++) {
		while (to < behind(y, radius, p->rows))
			enter_all(sums, across + p->cols * to++, n);
		while (from < first(y, radius))
			leave_all(sums, across + p->cols * from++, n);
		for (uint64_t i = 0; i < n; i++) {
			uint64_t x = block->col_begin + i;
			uint64_t wide =
				behind(x, radius, p->cols) - first(x, radius);

			p->pixels[y * p->cols + x] =
				mean(&sums[i], wide * (to - from));
		}
	}
	return 0;
}

static int blur(struct picture *p)
{
	struct skua_for_2d_options options = SKUA_FOR_2D_OPTIONS;
	struct skua_block whole = { 0, p->rows, 0, p->cols };
	struct skua_pool *pool = skua_pool_default();
	int error;

	p->across =
		calloc((size_t)p->rows * (size_t)p->cols, sizeof(*p->across));
	if (!p->across)
		return SKUA_ENOMEM;
	options.cols = COLUMNS;
	error = skua_for_2d(pool, &whole, sum_across, p, NULL);
	if (!error) /* all sums are there */
		error = skua_for_2d(pool, &whole, sum_down, p, &options);
	free(p->across);
	return error;
}

/* Complains and returns 1. */
static int failed(const char *what, const char *why)
{
	fprintf(stderr, "blur: %s: %s\n", what, why);
	return 1;
}

static int write_png(png_image *image, const void *pixels, const char *path)
{
	FILE *file = fopen(path, "wb");
	int ok, broken;

	if (!file)
		return failed(path, strerror(errno));
	ok = png_image_write_to_stdio(image, file, 0, pixels, 0, NULL);
	broken = ferror(file);
	broken |= fclose(file);
	if (ok && broken)
		return failed(path, strerror(errno));
	return ok ? 0 : failed(path, image->message);
}

int main(int argc, char **argv)
{
	png_image image = { .version = PNG_IMAGE_VERSION };
	struct picture p = { 0 };
	char none = '\0', *end = &none;
	long radius = argc == 4 ? strtol(argv[1], &end, 10) : 0;
	int error, status = 1;

	if (radius < 1 || radius > MAX_RADIUS || *end)
		return failed("usage", "blur RADIUS IN OUT, RADIUS 1 to 127");
	if (!png_image_begin_read_from_file(&image, argv[2]))
		return failed(argv[2], image.message);
	image.format = PNG_FORMAT_RGBA; /* whatever it was */
	p = (struct picture){ image.height, image.width, (uint64_t)radius,
			      calloc((size_t)image.width * sizeof(*p.pixels),
				     image.height),
			      NULL };
	if (!p.pixels)
		failed(argv[2], strerror(ENOMEM));
	else if (!png_image_finish_read(&image, NULL, p.pixels, 0, NULL))
		failed(argv[2], image.message);
	else if ((error = blur(&p)))
		failed(argv[2], skua_strerror(error));
	else
		status = write_png(&image, p.pixels, argv[3]);
	png_image_free(&image);
	free(p.pixels);
	return status;
}
