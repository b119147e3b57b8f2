#pragma once

// What a case cannot do under a sanitizer is left out at compile time: GCC and clang say in
// different ways which one there is.

#if defined(__SANITIZE_ADDRESS__)
#define CETANE_TEST_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CETANE_TEST_ADDRESS_SANITIZER 1
#endif
#endif

#if defined(__SANITIZE_THREAD__)
#define CETANE_TEST_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CETANE_TEST_THREAD_SANITIZER 1
#endif
#endif

#ifndef CETANE_TEST_ADDRESS_SANITIZER
#define CETANE_TEST_ADDRESS_SANITIZER 0
#endif
#ifndef CETANE_TEST_THREAD_SANITIZER
#define CETANE_TEST_THREAD_SANITIZER 0
#endif
