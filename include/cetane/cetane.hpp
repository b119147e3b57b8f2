// Everything that the author of a handler needs.
#pragma once

#include <cetane/app/application.hpp>
#include <cetane/app/quickstart.hpp>
#include <cetane/app/run.hpp>
#include <cetane/app/service.hpp>
#include <cetane/base/errors.hpp>
#include <cetane/base/literals.hpp>
#include <cetane/base/log.hpp>
#include <cetane/base/scope_exit.hpp>
#include <cetane/base/text.hpp>
#include <cetane/base/version.hpp>
#include <cetane/conc/backoff.hpp>
#include <cetane/conc/first.hpp>
#include <cetane/conc/join_handle.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/conc/spawn.hpp>
#include <cetane/conc/thread.hpp>
#include <cetane/conc/timeout.hpp>
#include <cetane/coro/task.hpp>
#include <cetane/net/connect.hpp>
#include <cetane/net/connection.hpp>
#include <cetane/net/line_reader.hpp>
#include <cetane/net/readiness.hpp>
#include <cetane/net/resolve.hpp>
