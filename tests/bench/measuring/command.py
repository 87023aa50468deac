"""Programs, as argument vectors: never a shell. run() for preparation, timed() for what is measured."""
import dataclasses
import os
import pathlib
import subprocess
import tempfile
import time


def run(*command, nice=False, **options):
    """Preparation; a failure is an exception with what the program said."""
    words = [str(word) for word in (("nice", *command) if nice else command)]
    done = subprocess.run(words, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


@dataclasses.dataclass
class Cost:
    wall: float = 0.0        # seconds
    cpu: float = 0.0         # seconds, user and system, of the program and all that it started
    rss: int = 0             # KiB, the largest of its processes

    def __add__(self, other):
        return Cost(self.wall + other.wall, self.cpu + other.cpu, max(self.rss, other.rss))


@dataclasses.dataclass
class Stage:
    """What one event of a program's output ended."""
    name: str
    wall: float
    cpu: float


def _under_time(words, report, **options):
    # GNU time waits with wait4: user, system and largest memory of the program and of the children that it reaped.
    # The harness itself is not in between: a program inherits the peak memory of the process that forks it.
    return subprocess.Popen(["/usr/bin/time", "-q", "-o", report, "-f", "%U %S %M", *map(str, words)], **options)


def _cost_of(report, wall):
    user, system, rss = report.read_text().split()[-3:]
    return Cost(wall, float(user) + float(system), int(rss))


def timed(*pipeline, wanted=0, cwd=None, env=None):
    """Runs commands that are joined by pipes; their costs together."""
    with tempfile.TemporaryDirectory() as folder:
        reports = [pathlib.Path(folder) / str(n) for n in range(len(pipeline))]
        errors = open(pathlib.Path(folder) / "errors", "w+b")
        start, before, processes = time.monotonic(), None, []
        for words, report in zip(pipeline, reports):
            last = len(processes) == len(pipeline) - 1
            process = _under_time(words, report, stdin=before, stdout=errors if last else subprocess.PIPE, stderr=errors, cwd=cwd, env=env)
            if before is not None:
                before.close()
            before = process.stdout
            processes.append(process)
        codes = [process.wait() for process in processes]
        wall = time.monotonic() - start
        if codes[-1] != wanted or any(codes[:-1]):
            errors.seek(0)
            raise RuntimeError(f"{pipeline}: exits {codes}\n{errors.read()[-3000:].decode(errors='replace')}")
        costs = [_cost_of(report, 0) for report in reports]
        return Cost(wall, sum(cost.cpu for cost in costs), max(cost.rss for cost in costs))


def timed_with_stages(words, stage_of, wanted):
    """Runs a program that writes a line per event; stage_of(line) names the stage that begins there, or gives None.

    CPU at each event is the program's own time in /proc/PID/stat, read when the line arrives: exact to 10 ms plus what
    the program does until it is read.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "report"
        errors = open(pathlib.Path(folder) / "errors", "w+b")
        start = time.monotonic()
        process = _under_time(words, report, stdout=subprocess.PIPE, stderr=errors)
        begun = [("start", 0.0, 0.0)]
        for line in process.stdout:
            name = stage_of(line)
            if name is not None:
                begun.append((name, time.monotonic() - start, _cpu_of_child(process.pid, begun[-1][2])))
        code = process.wait()
        wall = time.monotonic() - start
        if code != wanted:
            errors.seek(0)
            raise RuntimeError(f"{words}: exit {code}\n{errors.read()[-3000:].decode(errors='replace')}")
        cost = _cost_of(report, wall)
    ends = [(then, cpu) for _, then, cpu in begun[1:]] + [(wall, cost.cpu)]
    return cost, [Stage(name, end - then, end_cpu - cpu) for (name, then, cpu), (end, end_cpu) in zip(begun, ends)]


def _cpu_of_child(pid, otherwise):
    try:
        child = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0]
        fields = pathlib.Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return otherwise  # it has ended
    return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def cpu_and_peak(pid):
    """(CPU seconds with reaped children, peak KiB) of a running service."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK"), peak
