/* A bus that is played: what bus.c (the ioctl) and the chips know of one another. */
#ifndef STANDIN_H
#define STANDIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_CHIPS 4
#define ARRAY_WORDS 832

/* An MLX90640: 16-bit addresses, 16-bit words, high byte first. */
struct mlx90640 {
  uint16_t eeprom[ARRAY_WORDS];
  uint16_t picture[ARRAY_WORDS]; /* what it looks at, without noise */
  uint16_t ram[ARRAY_WORDS];
  uint16_t status, control, bus_setup;
  double started_s; /* when the refresh rate was set */
  uint64_t measured; /* subpages since then */
  uint16_t pointer; /* set by a write, dropped by a stop */
  uint32_t noise;
};

/* An ADS1115: a pointer that stays, four registers, one conversion at a time. */
struct ads1115 {
  uint16_t inputs[4]; /* conversion words of AIN0..AIN3 against ground */
  uint16_t registers[4];
  uint8_t pointer;
  double ready_s;
};

struct chip {
  uint16_t address;
  enum { CHIP_MLX90640, CHIP_ADS1115 } kind;
  struct mlx90640 mlx;
  struct ads1115 ads;
};

double now_s(void);

/* Reads two files of 832 little-endian words; false when they are not there. */
bool mlx90640_load(struct mlx90640 *chip, const char *eeprom, const char *picture);
void mlx90640_write(struct mlx90640 *chip, const uint8_t *bytes, size_t count);
void mlx90640_read(struct mlx90640 *chip, uint8_t *bytes, size_t count);
void mlx90640_stop(struct mlx90640 *chip);

void ads1115_reset(struct ads1115 *chip);
void ads1115_write(struct ads1115 *chip, const uint8_t *bytes, size_t count);
void ads1115_read(struct ads1115 *chip, uint8_t *bytes, size_t count);

/* An MCP3208 behind its chip select: the answer ends with clock 24, then comes backwards. */
void mcp3208_exchange(const uint16_t inputs[8], const uint8_t *out, uint8_t *in, size_t count);

#endif
