#include <cetane/sync/keyed_mutex.hpp>

#include <memory>
#include <unordered_map>

namespace cetane {

namespace detail {

struct keyed_mutex_entry {
  explicit keyed_mutex_entry(keyed_mutex& of) noexcept : home(of) {}

  keyed_mutex& home;
  const std::string* key = nullptr;
  std::size_t uses = 0;
  mutex lock;
};

}  // namespace detail

struct keyed_mutex::table {
  std::unordered_map<std::string, detail::keyed_mutex_entry> entries;
};

keyed_mutex::keyed_mutex() : table_(std::make_unique<table>()) {}
keyed_mutex::~keyed_mutex() = default;

std::size_t keyed_mutex::size() const noexcept { return table_->entries.size(); }

namespace detail {

keyed_mutex_use::keyed_mutex_use(keyed_mutex& of, std::string_view key) {
  const auto [place, added] = of.table_->entries.try_emplace(std::string(key), of);
  entry_ = &place->second;
  entry_->key = &place->first;
  ++entry_->uses;
}

keyed_mutex_use::keyed_mutex_use(const keyed_mutex_use& other) noexcept : entry_(other.entry_) {
  ++entry_->uses;
}

keyed_mutex_use::~keyed_mutex_use() {
  if (entry_ == nullptr || --entry_->uses != 0) return;
  auto& entries = entry_->home.table_->entries;
  entries.erase(entries.find(*entry_->key));
}

mutex& keyed_mutex_use::get() const noexcept { return entry_->lock; }
const std::string& keyed_mutex_use::key() const noexcept { return *entry_->key; }

}  // namespace detail
}  // namespace cetane
