// GoogleTest beside our headers: the compiler's <cxxabi.h> calls its namespace `abi`, as we do ours.
#pragma once
#define abi compiler_abi
#include <cxxabi.h>
#include <gtest/gtest.h>
#undef abi
