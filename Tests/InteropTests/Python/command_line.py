# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""The program on the command line: what it prints, how it ends."""

from harness import *


def run(*arguments, environment=None, timeout=20):
    result = subprocess.run(
        [OPTIONS.belfry, *arguments], capture_output=True, timeout=timeout, text=True,
        env=dict(os.environ, **(environment or {})), preexec_fn=die_with_parent,
    )
    return result.returncode, result.stdout, result.stderr


def told(result, status, *words):
    code, _, errors = result
    expect(code, status)
    for word in words:
        assert word in errors, errors
    assert "Fatal" not in errors and "Error Domain" not in errors, errors


# Ports of the kernel's choice.
NOWHERE = ("--nucosmq", "127.0.0.1:0", "--missioncommander", "127.0.0.1:0")


@check
def help_and_version_are_printed():
    code, output, _ = run("--help")
    expect(code, 0)
    assert "serve" in output and "info" in output, output
    code, output, _ = run("serve", "--help")
    expect(code, 0)
    for option in ("--io", "--loops", "--nucosmq", "--missioncommander", "--log-level"):
        assert option in output, output
    code, output, _ = run("--version")
    expect(code, 0)
    assert output.strip().split(".")[0].isdigit(), output


@check
def info_tells_kernel_engine_and_limits():
    code, output, _ = run("info", "--io", "epoll")
    expect(code, 0)
    for word in ("kernel", os.uname().release, "engine", "epoll", "chosen by configuration", "descriptors", "max rooms"):
        assert word in output, output
    code, output, _ = run("info", environment={"BELFRY_IO": "epoll"})
    expect(code, 0)
    assert "chosen by configuration" in output, output


@check
def bad_arguments_are_refused():
    told(run("serve", "--io", "kqueue"), 64, "--io", "kqueue")
    told(run("serve", environment={"BELFRY_IO": "kqueue"}), 64, "BELFRY_IO", "kqueue")
    told(run("serve", "--loops", "0"), 64, "--loops")
    told(run("serve", "--log-level", "loud"), 64, "loud")
    told(run("surf"), 64, "surf")


@check
def bad_addresses_are_refused():
    for address in ("nowhere", "127.0.0.1:99999", "127.0.0.1", "300.0.0.1:0", "127.0.0.1:-1", ""):
        for option, other in (("--nucosmq", "--missioncommander"), ("--missioncommander", "--nucosmq")):
            code, _, errors = run("serve", "--io", "epoll", option, address, other, "127.0.0.1:0")
            assert code in (1, 64), (address, code, errors)
            assert errors.startswith("belfry: ") or errors.startswith("Error: "), (address, errors)
            expect(errors.count("\n") <= 4, True)
    told(run("serve", "--io", "epoll", "--nucosmq", "192.0.2.1:0"), 1, "192.0.2.1")


@check
def a_taken_port_is_told():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        told(run("serve", "--io", "epoll", "--nucosmq", address), 1, "belfry: ", address, "in use")
        told(run("serve", "--io", "epoll", "--nucosmq", "127.0.0.1:0", "--missioncommander", address), 1, "belfry: ",
             address, "in use")


@check
def signals_drain():
    for number in (signal.SIGTERM, signal.SIGINT):
        with Server() as server, Raw(server.port).join("drain") as member:
            os.kill(server.pid, number)
            expect(member.until("shutdown")["content"], "now")
            member.send(frame("shutdown", "confirmed"))
            expect(server.process.wait(12), 0)
            assert member.ended()


@check
def a_silent_client_does_not_hold_the_end():
    with Server() as server, Raw(server.port).join("drain"):
        expect(server.stop(timeout=12), 0)


@check
def a_second_signal_ends_at_once():
    with Server() as server, Raw(server.port).join("drain") as member:
        os.kill(server.pid, signal.SIGTERM)
        member.until("shutdown")
        os.kill(server.pid, signal.SIGTERM)
        server.process.wait(5)


@check
def the_environment_chooses_the_engine():
    code, _, errors = run("serve", "--nucosmq", "127.0.0.1:bad", environment={"BELFRY_IO": "epoll"})
    assert code in (1, 64), errors
    with Child([OPTIONS.belfry, "serve", *NOWHERE], {"BELFRY_IO": "epoll"},
               stdout=subprocess.PIPE) as child:
        assert b"epoll (chosen by configuration)" in child.process.stdout.readline()


@check
def the_line_to_paste_works():
    with Server() as server:
        line = server.process.stdout.readline().decode()
        assert line.startswith("Try it: "), line
        output = subprocess.run(["bash", "-c", line[8:]], capture_output=True, timeout=10, text=True).stdout
        assert '"content": "world", "room": "room"' in output, output
        assert server.process.stdout.readline().startswith(b"MissionCommander on 127.0.0.1:")
        line = server.process.stdout.readline().decode()
        assert line.startswith("Try it: "), line
        output = subprocess.run(["bash", "-c", line[8:]], capture_output=True, timeout=10, text=True).stdout
        assert '"subject": "hello"}' in output and '{"message": "world"}' in output, output


@check
def io_uring_taken_away_falls_back_or_fails():
    for error, reason in (("ENOSYS", "has no io_uring"), ("EPERM", "forbidden"), ("ENOMEM", "memory")):
        traced = ["strace", "-f", "-o", "/dev/null", "-e", "trace=io_uring_setup",
                  "-e", "inject=io_uring_setup:error=" + error, OPTIONS.belfry, "serve", *NOWHERE]
        explicit = subprocess.run(traced + ["--io", "uring"], capture_output=True, timeout=20, text=True,
                                  preexec_fn=die_with_parent)
        told((explicit.returncode, "", explicit.stderr), 1, "belfry: ", "io_uring", reason)
        with Child(traced + ["--io", "auto", "--log-level", "info"], stdout=subprocess.PIPE) as child:
            first = child.process.stdout.readline().decode()
            assert ", epoll (" in first, first
            port = int(child.process.stdout.readline().rsplit(b":", 1)[1])
            healthy(port)
            wait_until(lambda: "io_uring" in child.log(), lambda: child.log())
            lines = [line for line in child.log().splitlines() if "io_uring" in line]
            expect(len(lines), 1)
            assert reason in lines[0] and reason in first, (lines[0], first)
            # The tracer passes it on, and ends with it.
            for task in os.listdir("/proc/%d/task" % child.pid):
                with open("/proc/%d/task/%s/children" % (child.pid, task)) as children:
                    for pid in children.read().split():
                        os.kill(int(pid), signal.SIGTERM)
            expect(child.process.wait(12), 0)


main()
