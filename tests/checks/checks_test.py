#!/usr/bin/env python3
"""Shows that every check of the tree can fail: each is fed a tree, a list or a text with one fault, and the same without it."""

import pathlib
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "scripts"), str(HERE.parents[1] / "bench")]

import bounds  # noqa: E402
import count  # noqa: E402
import doc_snippets  # noqa: E402
import examples  # noqa: E402
import header_list  # noqa: E402
import headers  # noqa: E402
import layers  # noqa: E402
import limits_table  # noqa: E402
import linked_libraries  # noqa: E402
import run_tests  # noqa: E402
import same_again  # noqa: E402


class TreeTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path


class Counts(unittest.TestCase):
    PROFILE = "fn=(1) main\ncfn=(2) malloc\ncalls=3 0\n1 10\nfn=(4) run\ncfn=(2)\ncalls=4 0\n1 10\ncfn=(5) mallocate\ncalls=100 0\n1 10\nfn=(2)\n1 10\n"

    def test_a_figure_above_its_bound_is_a_fault(self):
        self.assertEqual(list(bounds.faults({"N1": 200}, {"N1": 200})), [])
        self.assertEqual(len(list(bounds.faults({"N1": 201}, {"N1": 200}))), 1)

    def test_a_figure_that_was_not_measured_is_a_fault(self):
        self.assertEqual(len(list(bounds.faults({}, {"N1": 200}))), 1)

    def test_every_figure_that_has_a_bound_is_known(self):
        names = set(bounds.json.loads(bounds.FILE.read_text()))
        self.assertLessEqual({"N1", "N2", "N3 c=1", "N3 c=50", "N4 c=1", "N4 c=50", "M1, epoll", "allocations, epoll", "source"}, names)

    def test_allocations_are_found_in_a_profile(self):
        self.assertEqual(count.called(self.PROFILE, {"malloc"}), 7)
        self.assertEqual(count.called(self.PROFILE, {"calloc"}), 0)

    def test_system_calls_are_found_in_a_trace(self):
        log = "==1== text\nSYSCALL[1,1]( 44) sys_sendto ( 5, 0x1 )[sync] --> Success(0x40)\nSYSCALL[1,1](232) sys_epoll_wait ( 4 ) --> [async] ...\n"
        log += "SYSCALL[1,1](232) ... [async] --> Success(0x1)\nSYSCALL[1,1](228) sys_clock_gettime( 1 )[sync]\n"
        self.assertEqual(dict(count.traced_calls(log)), {"sendto": 1, "epoll_wait": 1})


class SameAgain(TreeTest):
    def places(self, name, text):
        self.write(name, text)
        return [what for _, _, what, _ in same_again.trips(self.root)]

    def test_each_kind_of_thing_is_found(self):
        lines = {
            "a clock": "auto now = std::chrono::steady_clock::now();",
            "random numbers of the system": "std::random_device dice;",
            "a hash of an address": "std::hash<const task*>()(task);",
            "a container in the order of addresses": "std::set<const stream*> streams;",
            "the number of a thread or process": "owner_ = std::this_thread::get_id();",
        }
        self.assertEqual(lines.keys(), same_again.TRIPS.keys())
        for what, line in lines.items():
            self.assertEqual(self.places("src/net/a.cpp", line), [what])

    def test_what_stands_in_a_comment_or_is_keyed_by_a_value_passes(self):
        self.assertEqual(self.places("src/net/a.cpp", "// steady_clock\nstd::map<int, stream*> by_number;\n"), [])

    def test_a_place_on_the_list_that_names_nothing_any_more_is_a_fault(self):
        self.assertGreater(len(list(same_again.complaints(self.root))), len(same_again.ALLOWED) - 1)


class Layers(TreeTest):
    def faults(self, name, text):
        self.write(name, text)
        return list(layers.faults(self.root, layers.Map((HERE / "layers.txt").read_text(encoding="utf-8"))))

    def test_an_include_of_the_map_passes(self):
        self.assertEqual(self.faults("src/net/a.cpp", "#include <cetane/os/fd.hpp>\n#include <runtime/x.hpp>\n"), [])

    def test_an_upward_include_fails(self):
        self.assertEqual(len(self.faults("src/os/a.cpp", "#include <cetane/net/connection.hpp>\n")), 1)

    def test_an_upward_include_of_a_private_header_fails(self):
        self.assertEqual(len(self.faults("src/os/a.cpp", '#include "runtime/wheel.hpp"\n')), 1)

    def test_a_system_header_in_a_folder_named_like_a_component_passes(self):
        self.assertEqual(self.faults("src/os/a.cpp", "#include <net/if.h>\n"), [])

    def test_a_private_header_in_a_public_one_fails(self):
        self.assertEqual(len(self.faults("include/cetane/net/a.hpp", "#include <net/window.hpp>\n")), 1)

    def test_epoll_in_a_public_header_fails_even_for_its_owner(self):
        self.assertEqual(len(self.faults("include/cetane/backend/a.hpp", "#include <sys/epoll.h>\n")), 1)
        self.assertEqual(len(self.faults("src/backend/a.cpp", "#include <sys/epoll.h>\n")), 1)  # still the header's

    def test_liburing_outside_the_backend_fails(self):
        self.assertEqual(len(self.faults("src/net/a.cpp", "#include <liburing.h>\n")), 1)

    def test_epoll_may_be_said_in_comments_and_texts_only(self):
        self.assertEqual(self.faults("src/net/a.cpp", '// epoll says EPERM\nauto x = "epoll";\n'), [])
        self.assertEqual(len(self.faults("src/net/b.cpp", "int x = EPOLLIN;\n")), 1)

    def test_a_component_without_a_row_fails(self):
        self.assertEqual(len(self.faults("src/extra/a.cpp", "int x;\n")), 1)

    def test_a_row_that_names_a_later_row_is_refused(self):
        with self.assertRaises(SystemExit):
            layers.Map("base: os\nos:\n")


class HeaderList(TreeTest):
    def test_a_header_that_is_not_listed_fails(self):
        listed = self.write("cetane/a.hpp", "")
        self.assertEqual(list(header_list.faults(self.root, [listed])), [])
        self.write("cetane/b.hpp", "")
        self.assertEqual(len(list(header_list.faults(self.root, [listed]))), 1)

    def test_a_listed_header_that_is_not_there_fails(self):
        self.assertEqual(len(list(header_list.faults(self.root, [self.root / "gone.hpp"]))), 1)


class HeadersAlone(TreeTest):
    def complaint(self, text):
        return headers.compile_alone(self.write("a.hpp", text), ["c++", "-std=c++20", "-Wall"], self.root)

    def test_a_header_that_stands_alone_passes(self):
        self.assertEqual(self.complaint("#pragma once\n#include <string>\ninline std::string s;\n"), "")

    def test_a_header_that_leans_on_another_fails(self):
        self.assertIn("error", self.complaint("#pragma once\ninline std::string s;\n"))

    def test_a_header_without_a_guard_fails(self):
        self.assertIn("error", self.complaint("struct a {};\n"))

    def test_outputs_and_inputs_are_left_out_of_the_flags(self):
        command = "c++ -Ix -MD -MQ a.o -MF a.d -o a.o -c a.cpp".split()
        self.assertEqual(list(headers.without_files(command, "a.cpp")), ["c++", "-Ix"])


class LimitsTable(unittest.TestCase):
    HEADER = "inline constexpr duration default_drain = std::chrono::seconds(5);\nstruct limits {\n  duration drain = default_drain;\n};\n"
    PAGE = "| `default_drain` | 5 s | stop |\n| `drain` | `default_drain` |\n"

    def differences(self, page):
        return list(limits_table.differences(self.HEADER, page))

    def test_a_page_that_says_what_the_header_says_passes(self):
        self.assertEqual(self.differences(self.PAGE), [])

    def test_another_default_fails(self):
        self.assertEqual(len(self.differences(self.PAGE.replace("5 s", "6 s"))), 1)
        self.assertEqual(len(self.differences(self.PAGE.replace("`drain` | `default_drain`", "`drain` | `other`"))), 1)

    def test_a_missing_row_and_one_too_many_fail(self):
        self.assertEqual(len(self.differences("")), 2)
        self.assertEqual(len(self.differences(self.PAGE + "| `more` | 1 | |\n")), 1)


class Examples(TreeTest):
    def test_an_example_that_is_built_and_driven_passes(self):
        self.write("diesel/timer.cpp", "")
        self.assertEqual(list(examples.faults(self.root, ["diesel/timer"], ["diesel/timer"])), [])

    def test_an_example_that_is_forgotten_fails(self):
        self.write("diesel/timer.cpp", "")
        self.assertEqual(len(list(examples.faults(self.root, [], ["diesel/timer"]))), 1)
        self.assertEqual(len(list(examples.faults(self.root, ["diesel/timer"], []))), 1)

    def test_an_example_that_is_left_out_on_purpose_passes(self):
        self.write("diesel/timer.cpp", "")
        self.assertEqual(list(examples.faults(self.root, [], [], ["diesel/timer"])), [])


class LinkedLibraries(unittest.TestCase):
    def test_what_the_language_needs_passes(self):
        self.assertEqual(linked_libraries.faults("\tlinux-vdso.so.1 (0x1)\n\tlibfmt.so.9 => /lib/libfmt.so.9 (0x2)\n"), [])

    def test_one_library_more_fails(self):
        self.assertEqual(linked_libraries.faults("\tlibssl.so.3 => /lib/libssl.so.3 (0x2)\n"), ["linked with libssl.so.3"])

    def test_who_uses_tls_is_linked_with_openssl_and_no_more(self):
        usual = "\tlibfmt.so.9 => /lib/libfmt.so.9 (0x2)\n"
        openssl = "\tlibssl.so.3 => /lib/libssl.so.3 (0x2)\n\tlibcrypto.so.3 => /lib/libcrypto.so.3 (0x2)\n"
        self.assertEqual(linked_libraries.tls_faults(usual + openssl), [])
        self.assertEqual(linked_libraries.tls_faults(usual), ["not linked with OpenSSL"])
        self.assertEqual(linked_libraries.tls_faults(openssl + "\tlibz.so.1 => /lib/libz.so.1 (0x2)\n"), ["linked with libz.so.1"])


class DocSnippets(TreeTest):
    CODE = "int a;\n// [heart]\n  int b;\n// [/heart]\n"

    def faults(self, document):
        self.write("examples/a.cpp", self.CODE)
        return list(doc_snippets.document_faults(self.root, document))

    def test_a_whole_file_passes_without_its_marks(self):
        self.assertEqual(self.faults("<!-- from: examples/a.cpp -->\n```cpp\nint a;\n  int b;\n```\n"), [])

    def test_a_region_passes_without_its_margin(self):
        self.assertEqual(self.faults("<!-- from: examples/a.cpp#heart -->\n```cpp\nint b;\n```\n"), [])

    def test_code_that_differs_fails(self):
        self.assertEqual(len(self.faults("<!-- from: examples/a.cpp#heart -->\n```cpp\nint c;\n```\n")), 1)

    def test_code_from_nowhere_fails_unless_it_says_why(self):
        self.assertEqual(len(self.faults("```cpp\nint c;\n```\n")), 1)
        self.assertEqual(self.faults("<!-- no source: shows a mistake -->\n```cpp\nint c;\n```\n"), [])

    def test_a_region_or_file_that_is_not_there_fails(self):
        self.assertEqual(len(self.faults("<!-- from: examples/a.cpp#gone -->\n```cpp\n```\n")), 1)
        self.assertEqual(len(self.faults("<!-- from: examples/gone.cpp -->\n```cpp\n```\n")), 1)

    def test_other_languages_need_no_source(self):
        self.assertEqual(self.faults("```sh\n./dev test\n```\n"), [])

    def test_update_writes_the_code_of_the_file(self):
        self.write("examples/a.cpp", self.CODE)
        for old in ("old\n", ""):
            document = f"<!-- from: examples/a.cpp#heart -->\n```cpp\n{old}```\nend\n"
            expected = "<!-- from: examples/a.cpp#heart -->\n```cpp\nint b;\n```\nend\n"
            self.assertEqual(doc_snippets.updated(self.root, document), expected)


class ClosingLine(TreeTest):
    """The counts of scripts/run_tests.py."""

    def record(self, result, command=(), stdout=""):
        return {"name": "t", "result": result, "command": ["prog", *command], "stdout": stdout}

    def report(self, text):
        return [f"xml::out={self.write('a.report.xml', text)}"]

    def test_a_report_counts_cases(self):
        report = self.report('<R><OverallResultsCases successes="3" failures="0" expectedFailures="1" skips="2"/></R>')
        self.assertEqual(run_tests.count(self.record("OK", report)), (4, 0, 2))

    def test_half_a_report_is_a_failure_even_if_the_program_claims_success(self):
        self.assertEqual(run_tests.count(self.record("OK", self.report("<R>"))), (0, 1, 0))

    def test_a_program_that_dies_is_a_failure(self):
        self.assertEqual(run_tests.count(self.record("FAIL", self.report("<R>"))), (0, 1, 0))
        self.assertEqual(run_tests.count(self.record("TIMEOUT")), (0, 1, 0))

    def test_a_failure_after_a_good_report_is_counted(self):
        report = self.report('<R><OverallResultsCases successes="3" failures="0" skips="0"/></R>')
        self.assertEqual(run_tests.count(self.record("FAIL", report)), (3, 1, 0))

    def test_a_script_may_say_its_own_counts(self):
        self.assertEqual(run_tests.count(self.record("OK", stdout="...\n5 passed, 0 failed, 1 skipped\n")), (5, 0, 1))
        self.assertEqual(run_tests.count(self.record("OK", stdout="fine\n")), (1, 0, 0))
        self.assertEqual(run_tests.count(self.record("SKIP")), (0, 0, 1))


if __name__ == "__main__":
    result = unittest.main(exit=False, verbosity=2).result
    bad = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - bad - len(result.skipped)} passed, {bad} failed, {len(result.skipped)} skipped")
    sys.exit(0 if result.wasSuccessful() and result.testsRun else 1)
