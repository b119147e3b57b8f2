#pragma once

// [room]
#include <cetane/cetane.hpp>

#include <map>
#include <string>

struct room {
  std::map<std::string, int> stars;  // of those who are in it
  cetane::fanout<std::string> said;
  cetane::keyed_mutex purses;
};

cetane::task<> chat(cetane::connection& peer, room& here);
// [/room]
