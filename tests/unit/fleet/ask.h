/* ask.h - a minimal HTTP client for the tests of the fleet. A refused connection ends the test. */
#ifndef TEST_FLEET_ASK_H
#define TEST_FLEET_ASK_H
#include "guardrail/buf.h"

/* A socket connected to 127.0.0.1:port; the caller closes it. */
int ask_connect(uint16_t port);
/* Sends the bytes and reads until the server closes, at most 20 s without news; the caller frees the answer.
 * */
struct gr_buf ask(uint16_t port, struct gr_str request);
/* The same for a request with this body, asking the server to close. */
struct gr_buf ask_for(uint16_t port, const char *method, const char *path, struct gr_str body);
#endif
