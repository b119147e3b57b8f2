// The one source file of this program that replaces operator new.
#include <cetane/testing/replace_new.hpp>
