#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace cetane::test {

/// A folder with certificates and keys that were made for this run, so that none ever runs out.
/// Each is made when it is first asked for; all tests of a program share them.
namespace certificates {

struct files {
  std::string certificate;
  std::string key;
};

/// An authority of this name.
const files& authority(const std::string& name = "authority");

/// What a certificate says; by default it is a server's here, and good.
struct wanted {
  std::string name = "localhost";
  std::string names = "DNS:localhost,IP:127.0.0.1";
  bool raw_name = false;                // `names` is one host's name, whatever bytes are in it
  std::string authority = "authority";  // empty: it is its own
  std::chrono::hours begins{-1};
  std::chrono::hours ends{24};
};

/// A certificate and its key, new ones each time.
files make(const wanted& as);

/// The usual one.
const files& localhost();

}  // namespace certificates
}  // namespace cetane::test
