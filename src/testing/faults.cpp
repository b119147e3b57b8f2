#include <cetane/testing/faults.hpp>

namespace cetane::testing {

faults& faults::latency(any_duration shortest, any_duration longest) {
  ways_.set_latency(shortest, longest);
  return *this;
}

faults& faults::split_reads(std::size_t most_bytes) {
  ways_.set_segment(1, most_bytes);
  return *this;
}

faults& faults::buffers(std::size_t bytes) {
  ways_.set_capacity(bytes);
  return *this;
}

}  // namespace cetane::testing
