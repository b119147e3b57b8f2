// A program that uses cetane and nothing else: the header check compiles every public header with
// its flags.

#include <cetane/base/config.hpp>

int main() {}
