#pragma once

#include <cetane/base/config.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/socketserver/base_server.hpp>

namespace cetane {

/// Runs a socketserver's loop as a task, beside coroutine services:
/// `app.add_task(cetane::serve, std::ref(server));`
///
/// The loop, its hooks and handlers that have no thread or process of their own run on a thread
/// that this call starts, so they may block. Suspends until the loop ends, by shutdown() or
/// otherwise, and resumes on this loop's thread. The server stays open.
/// @throws ...  What leaves serve_forever().
/// @par Cancellation  Ends the loop, and waits for the request that it is at.
/// @par Lifetime      The server outlives the await, and nobody else runs its loop.
CETANE_API task<> serve(socketserver::base_server& server);

}  // namespace cetane
