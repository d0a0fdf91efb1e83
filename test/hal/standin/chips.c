/* The chips of the played bus, as their datasheets describe them; see standin.h. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "standin.h"

double now_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* MLX90640 datasheet rev 12, 10.5 (memory), 11.1.3 (status), 10.6.2 (control register). */
#define RAM 0x0400
#define EEPROM 0x2400
#define STATUS 0x8000
#define CONTROL 0x800D
#define BUS_SETUP 0x800F
#define NEW_DATA 0x0008
#define PIXELS 768
#define COLUMNS 32

static bool load_words(const char *path, uint16_t *words) {
  uint8_t bytes[ARRAY_WORDS * 2];
  FILE *file = fopen(path, "rb");
  if (file == NULL) return false;
  size_t got = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  for (size_t i = 0; i < ARRAY_WORDS; i++)
    words[i] = (uint16_t)(bytes[2 * i] | bytes[2 * i + 1] << 8);
  return got == sizeof bytes;
}

bool mlx90640_load(struct mlx90640 *chip, const char *eeprom, const char *picture) {
  if (!load_words(eeprom, chip->eeprom) || !load_words(picture, chip->picture)) return false;
  memcpy(chip->ram, chip->picture, sizeof chip->ram);
  chip->control = chip->eeprom[12];
  chip->started_s = now_s();
  chip->noise = 1;
  return true;
}

/* One of the two subpages of a chess pattern gets new noise, -2..2 counts. */
static void measure(struct mlx90640 *chip, unsigned subpage) {
  for (unsigned i = 0; i < PIXELS; i++) {
    if ((i / COLUMNS + i % COLUMNS) % 2 != subpage) continue;
    chip->noise = chip->noise * 1664525u + 1013904223u;
    chip->ram[i] = (uint16_t)(chip->picture[i] + (int)(chip->noise >> 16) % 5 - 2);
  }
  chip->status = (uint16_t)((chip->status & ~7u) | NEW_DATA | subpage);
}

/* Does what has been measured since the last look: bits 7..9 of the control register, 0 = 0.5 Hz. */
static void catch_up(struct mlx90640 *chip) {
  double hz = 0.5 * (double)(1u << (chip->control >> 7 & 7u));
  uint64_t due = (uint64_t)((now_s() - chip->started_s) * hz);
  if (due > chip->measured + 2) chip->measured = due - 2;
  while (chip->measured < due) measure(chip, (unsigned)(++chip->measured & 1u));
}

static uint16_t word_at(struct mlx90640 *chip, uint16_t address) {
  if (address >= RAM && address < RAM + ARRAY_WORDS) return chip->ram[address - RAM];
  if (address >= EEPROM && address < EEPROM + ARRAY_WORDS) return chip->eeprom[address - EEPROM];
  if (address == STATUS) return chip->status;
  if (address == CONTROL) return chip->control;
  if (address == BUS_SETUP) return chip->bus_setup;
  return 0;
}

static void put_word(struct mlx90640 *chip, uint16_t address, uint16_t word) {
  if (address == STATUS) {
    /* The number of the last subpage is read-only, and new data can be cleared alone. */
    chip->status = (uint16_t)((chip->status & (7u | (word & NEW_DATA))) | (word & 0x30u));
  } else if (address == CONTROL) {
    chip->control = word;
    chip->started_s = now_s();
    chip->measured = 0;
  } else if (address == BUS_SETUP) {
    chip->bus_setup = word;
  }
}

void mlx90640_write(struct mlx90640 *chip, const uint8_t *bytes, size_t count) {
  catch_up(chip);
  if (count >= 2) chip->pointer = (uint16_t)(bytes[0] << 8 | bytes[1]);
  for (size_t i = 2; i + 1 < count; i += 2)
    put_word(chip, chip->pointer++, (uint16_t)(bytes[i] << 8 | bytes[i + 1]));
}

void mlx90640_read(struct mlx90640 *chip, uint8_t *bytes, size_t count) {
  catch_up(chip);
  for (size_t i = 0; i < count; i++) {
    uint16_t word = word_at(chip, (uint16_t)(chip->pointer + i / 2));
    bytes[i] = (uint8_t)(i % 2 == 0 ? word >> 8 : word);
  }
  chip->pointer = (uint16_t)(chip->pointer + count / 2);
}

void mlx90640_stop(struct mlx90640 *chip) { chip->pointer = 0; }

/* ADS1115 datasheet SBAS444E, 8.6: conversion, config, two thresholds. */
#define CONVERSION 0
#define CONFIG 1
#define START 0x8000

void ads1115_reset(struct ads1115 *chip) {
  chip->registers[CONFIG] = 0x8583;
  chip->registers[2] = 0x8000;
  chip->registers[3] = 0x7fff;
}

static void convert(struct ads1115 *chip, uint16_t config) {
  static const double rates[] = {8, 16, 32, 64, 128, 250, 475, 860};
  unsigned mux = config >> 12 & 7u;
  chip->ready_s = now_s() + 1 / rates[config >> 5 & 7u];
  /* Single-ended inputs only; a difference is not played. */
  chip->registers[CONVERSION] = mux >= 4 ? chip->inputs[mux - 4] : 0;
}

void ads1115_write(struct ads1115 *chip, const uint8_t *bytes, size_t count) {
  if (count >= 1) chip->pointer = bytes[0] & 3u;
  if (count < 3 || chip->pointer == CONVERSION) return;
  uint16_t word = (uint16_t)(bytes[1] << 8 | bytes[2]);
  chip->registers[chip->pointer] = word;
  if (chip->pointer == CONFIG && (word & START) != 0) convert(chip, word);
}

void ads1115_read(struct ads1115 *chip, uint8_t *bytes, size_t count) {
  uint16_t word = chip->registers[chip->pointer];
  if (chip->pointer == CONFIG)
    word = (uint16_t)((word & ~START) | (now_s() >= chip->ready_s ? START : 0));
  for (size_t i = 0; i < count; i++) bytes[i] = (uint8_t)(i % 2 == 0 ? word >> 8 : word);
}

/* MCP3208 datasheet DS21298, figure 6-1: 00000 start single D2 | D1 D0 ...... | ........ */
void mcp3208_exchange(const uint16_t inputs[8], const uint8_t *out, uint8_t *in, size_t count) {
  memset(in, 0, count);
  if (count < 3 || (out[0] & 0x04u) == 0) return;
  unsigned channel = (out[0] & 1u) << 2 | out[1] >> 6;
  uint16_t word = inputs[channel] & 0x0fffu;
  in[1] = (uint8_t)(word >> 8);
  in[2] = (uint8_t)word;
  /* Section 6.1: further clocks give the result backwards from its second bit, then zeros. */
  for (unsigned bit = 1; bit < 12; bit++) {
    size_t at = 23 + bit;
    if (at / 8 < count && (word >> bit & 1u) != 0) in[at / 8] |= (uint8_t)(0x80u >> at % 8);
  }
}
