/*
 * cmocka with what it needs before it. Its macro fail() gives way to ours (server/base/err.h): a test says fail_msg().
 */
#ifndef LIB_TEST_H
#define LIB_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#undef fail

#endif
