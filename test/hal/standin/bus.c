/*
 * The kernel's side of /dev/i2c-N and /dev/spidevN.M, played in a shared library that exports
 * `ioctl`. It reads the structures by the names of the kernel's own headers, so that the layouts
 * that the appliance writes by hand are checked by a compiler.
 *
 * The device node is a file that describes what hangs on the bus, one thing a line:
 *
 *   speed 400000                      bits a second, for how long transfers take
 *   functions 0x1                     what I2C_FUNCS answers
 *   mlx90640 0x33 EEPROM PICTURE      files of 832 little-endian words
 *   ads1115 0x48 W0 W1 W2 W3          conversion words of the inputs
 *   mcp3208 V0 .. V7                  this node is an SPI device
 *
 * Beside it NODE.fault holds what goes wrong: nack, eio, timeout, again, short, gone, or hold:
 * nothing comes back before that is taken away. And where NODE.log exists, requests are written
 * down there. A node that was deleted is a bus that has gone.
 */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <linux/spi/spidev.h>

#include "standin.h"

/* What src/hal/native/bus-i2c.ts and bus-spi.ts write by hand. */
_Static_assert(sizeof(void *) == 8, "64-bit layouts");
_Static_assert(sizeof(struct i2c_msg) == 16, "i2c_msg");
_Static_assert(offsetof(struct i2c_msg, addr) == 0 && offsetof(struct i2c_msg, flags) == 2, "");
_Static_assert(offsetof(struct i2c_msg, len) == 4 && offsetof(struct i2c_msg, buf) == 8, "");
_Static_assert(sizeof(struct i2c_rdwr_ioctl_data) == 16, "i2c_rdwr_ioctl_data");
_Static_assert(offsetof(struct i2c_rdwr_ioctl_data, nmsgs) == 8, "nmsgs");
_Static_assert(I2C_RETRIES == 0x0701 && I2C_TIMEOUT == 0x0702 && I2C_FUNCS == 0x0705, "");
_Static_assert(I2C_RDWR == 0x0707 && I2C_M_RD == 1 && I2C_FUNC_I2C == 1, "");
_Static_assert(sizeof(struct spi_ioc_transfer) == 32, "spi_ioc_transfer");
_Static_assert(offsetof(struct spi_ioc_transfer, rx_buf) == 8, "rx_buf");
_Static_assert(offsetof(struct spi_ioc_transfer, len) == 16, "len");
_Static_assert(offsetof(struct spi_ioc_transfer, speed_hz) == 20, "speed_hz");
_Static_assert(offsetof(struct spi_ioc_transfer, bits_per_word) == 26, "bits_per_word");
_Static_assert(SPI_IOC_MESSAGE(1) == 0x40206b00, "SPI_IOC_MESSAGE(1)");
_Static_assert(SPI_IOC_WR_MODE == 0x40016b01 && SPI_IOC_WR_MODE32 == 0x40046b05, "modes");

#define MAX_WORLDS 256
#define PATH_BYTES 512

struct world {
  char path[PATH_BYTES];
  pthread_mutex_t busy; /* an adapter does one transfer at a time */
  double speed;
  unsigned long functions;
  struct chip chips[MAX_CHIPS];
  int chip_count;
  bool is_spi;
  uint32_t spi_mode;
  uint16_t spi_inputs[8];
};

static struct world *worlds[MAX_WORLDS];
static pthread_mutex_t worlds_lock = PTHREAD_MUTEX_INITIALIZER;

static void pass_ms(double ms) {
  struct timespec t = {(time_t)(ms / 1000), (long)((ms - 1000 * (long)(ms / 1000)) * 1e6)};
  while (nanosleep(&t, &t) != 0 && errno == EINTR) continue;
}

static void describe(struct world *world, char *line) {
  char kind[32], rest[2][PATH_BYTES];
  unsigned address, w[8];
  if (sscanf(line, "%31s", kind) != 1) return;
  struct chip *chip = &world->chips[world->chip_count];
  if (sscanf(line, "speed %lf", &world->speed) == 1) return;
  if (sscanf(line, "functions %li", (long *)&world->functions) == 1) return;
  if (world->chip_count == MAX_CHIPS) return;
  if (sscanf(line, "mlx90640 %i %511s %511s", (int *)&address, rest[0], rest[1]) == 3) {
    chip->kind = CHIP_MLX90640;
    if (!mlx90640_load(&chip->mlx, rest[0], rest[1])) return;
  } else if (sscanf(line, "ads1115 %i %u %u %u %u", (int *)&address, w, w + 1, w + 2, w + 3) == 5) {
    chip->kind = CHIP_ADS1115;
    for (int i = 0; i < 4; i++) chip->ads.inputs[i] = (uint16_t)w[i];
    ads1115_reset(&chip->ads);
  } else if (sscanf(line, "mcp3208 %u %u %u %u %u %u %u %u", w, w + 1, w + 2, w + 3, w + 4, w + 5,
                    w + 6, w + 7) == 8) {
    world->is_spi = true;
    for (int i = 0; i < 8; i++) world->spi_inputs[i] = (uint16_t)w[i];
    return;
  } else {
    return;
  }
  chip->address = (uint16_t)address;
  world->chip_count++;
}

static struct world *load_world(const char *path) {
  FILE *file = fopen(path, "r");
  struct world *world = file == NULL ? NULL : calloc(1, sizeof *world);
  if (world == NULL) return NULL;
  snprintf(world->path, sizeof world->path, "%s", path);
  pthread_mutex_init(&world->busy, NULL);
  world->speed = 400000;
  world->functions = I2C_FUNC_I2C | I2C_FUNC_SMBUS_EMUL;
  char line[2 * PATH_BYTES + 64];
  while (fgets(line, sizeof line, file) != NULL) describe(world, line);
  fclose(file);
  return world;
}

/* The world of a descriptor, which goes on between openings; NULL: it was taken away. */
static struct world *world_of(int fd) {
  char link[64], path[PATH_BYTES];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return NULL;
  path[length] = '\0';
  if (access(path, F_OK) != 0) return NULL;
  pthread_mutex_lock(&worlds_lock);
  struct world *found = NULL;
  for (int i = 0; i < MAX_WORLDS && found == NULL; i++) {
    if (worlds[i] == NULL) worlds[i] = load_world(path);
    if (worlds[i] == NULL || strcmp(worlds[i]->path, path) == 0) found = worlds[i];
    if (worlds[i] == NULL) break;
  }
  pthread_mutex_unlock(&worlds_lock);
  return found;
}

static void note(const struct world *world, const char *format, ...) {
  char path[PATH_BYTES + 8], line[160];
  snprintf(path, sizeof path, "%s.log", world->path);
  if (access(path, F_OK) != 0) return;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  FILE *file = fopen(path, "a");
  if (file == NULL) return;
  fprintf(file, "%s\n", line);
  fclose(file);
}

enum outcome { FINE, SHORT, FAILED };

/* What goes wrong now; an empty text for nothing. */
static void fault_text(const struct world *world, char what[32]) {
  char path[PATH_BYTES + 8];
  snprintf(path, sizeof path, "%s.fault", world->path);
  FILE *file = fopen(path, "r");
  what[0] = '\0';
  if (file == NULL) return;
  if (fscanf(file, "%31s", what) != 1) what[0] = '\0';
  fclose(file);
}

static enum outcome planted_fault(const struct world *world) {
  char what[32];
  fault_text(world, what);
  if (strcmp(what, "hold") == 0) note(world, "hold");
  while (strcmp(what, "hold") == 0) {
    pass_ms(5);
    fault_text(world, what);
  }
  if (what[0] == '\0') return FINE;
  if (strcmp(what, "short") == 0) return SHORT;
  static const struct { const char *name; int code; } codes[] = {
      {"nack", EREMOTEIO}, {"timeout", ETIMEDOUT}, {"again", EAGAIN}, {"gone", ENODEV}};
  errno = EIO;
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
    if (strcmp(what, codes[i].name) == 0) errno = codes[i].code;
  return FAILED;
}

static struct chip *chip_at(struct world *world, uint16_t address) {
  for (int i = 0; i < world->chip_count; i++)
    if (world->chips[i].address == address) return &world->chips[i];
  return NULL;
}

static void exchange(struct chip *chip, bool reads, uint8_t *bytes, size_t count) {
  if (chip->kind == CHIP_MLX90640) {
    if (reads) mlx90640_read(&chip->mlx, bytes, count);
    else mlx90640_write(&chip->mlx, bytes, count);
  } else {
    if (reads) ads1115_read(&chip->ads, bytes, count);
    else ads1115_write(&chip->ads, bytes, count);
  }
}

static int combined(struct world *world, struct i2c_rdwr_ioctl_data *all) {
  double bits = 0;
  for (unsigned i = 0; i < all->nmsgs; i++) bits += 9.0 * (1 + all->msgs[i].len);
  pass_ms(1000 * bits / world->speed);
  enum outcome fault = planted_fault(world);
  if (fault == FAILED) return -1;
  struct chip *chip = NULL;
  for (unsigned i = 0; i < all->nmsgs; i++) {
    struct i2c_msg *message = &all->msgs[i];
    bool reads = (message->flags & I2C_M_RD) != 0;
    note(world, "%s 0x%02x %u", reads ? "read" : "write", message->addr, message->len);
    chip = chip_at(world, message->addr);
    if (chip == NULL) {
      errno = EREMOTEIO;
      return -1;
    }
    exchange(chip, reads, message->buf, message->len);
  }
  if (chip != NULL && chip->kind == CHIP_MLX90640) mlx90640_stop(&chip->mlx);
  return (int)all->nmsgs - (fault == SHORT ? 1 : 0);
}

static int full_duplex(struct world *world, struct spi_ioc_transfer *one) {
  pass_ms(8000.0 * one->len / one->speed_hz);
  note(world, "spi mode %u hz %u bits %u len %u", world->spi_mode, one->speed_hz,
       one->bits_per_word, one->len);
  enum outcome fault = planted_fault(world);
  if (fault == FAILED) return -1;
  mcp3208_exchange(world->spi_inputs, (const uint8_t *)(uintptr_t)one->tx_buf,
                   (uint8_t *)(uintptr_t)one->rx_buf, one->len);
  return (int)one->len - (fault == SHORT ? 1 : 0);
}

static int serve(struct world *world, unsigned long request, void *argument) {
  if (request == SPI_IOC_WR_MODE32 && world->is_spi) {
    world->spi_mode = *(uint32_t *)argument;
    if (world->spi_mode <= 3) return 0;
    errno = EINVAL;
    return -1;
  }
  if (request == SPI_IOC_MESSAGE(1) && world->is_spi) return full_duplex(world, argument);
  if (request == I2C_FUNCS && !world->is_spi) {
    *(unsigned long *)argument = world->functions;
    return 0;
  }
  if ((request == I2C_TIMEOUT || request == I2C_RETRIES) && !world->is_spi) {
    note(world, "%s %lu", request == I2C_TIMEOUT ? "timeout" : "retries", (unsigned long)argument);
    return 0;
  }
  if (request == I2C_RDWR && !world->is_spi) return combined(world, argument);
  errno = ENOTTY;
  return -1;
}

int ioctl(int fd, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  void *argument = va_arg(arguments, void *);
  va_end(arguments);
  struct world *world = world_of(fd);
  if (world == NULL) {
    errno = ENODEV;
    return -1;
  }
  pthread_mutex_lock(&world->busy);
  int result = serve(world, request, argument);
  int code = errno;
  pthread_mutex_unlock(&world->busy);
  errno = code;
  return result;
}
