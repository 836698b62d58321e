/* fuzz.h - what every fuzz target defines. It aborts (GR_ASSERT) when something does not hold. */
#ifndef TEST_FUZZ_H
#define TEST_FUZZ_H
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
#endif
