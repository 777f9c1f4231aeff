#!/usr/bin/python3
"""Is the house in order?  Each check prints `file:line: rule; remedy`; soft limits are counted, hard ones fail.

The rules are those of tests/README.md; the tables beside this file say who may include whom (layers.txt), which words are
not used (names.txt) and what is excused (exceptions.txt).
"""
import re
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
HERE = Path(__file__).resolve().parent
PRODUCT = ("common", "control", "dataplane")
SOFT = {"c": 400, "h": 150, "function": 40, "parameters": 4, "fields": 15, "readme": 60}
HARD = {"c": 600, "h": 250, "function": 70, "parameters": 6, "fields": 25, "readme": 120, "line": 100, "nesting": 4}
BANNED = re.compile(r"\b(strcpy|strncpy|strcat|strncat|sprintf|vsprintf|gets|strtok|ato[ifl]|atoll|strto[a-z]+|"
                    r"alloca|rand|srand|gmtime|localtime|system|popen|setjmp|longjmp)\s*\(")
SQL = re.compile(r"\"\s*(SELECT|INSERT|UPDATE|DELETE|CREATE TABLE|PRAGMA|BEGIN IMMEDIATE)\b")
SQL_ROOMS = ("control/store/", "dataplane/route/replica_reader", "dataplane/supervisor/replica",
             "dataplane/supervisor/protocol_memory")
MIRRORED = ("common/", "dataplane/http/", "dataplane/h1/", "dataplane/h2/", "dataplane/route/")
UNITLESS = re.compile(r"\b(?:u?int(?:8|16|32|64)_t|size_t|unsigned|int|long)\s+"
                      r"((?:\w*_)?(?:timeout|size|delay|age|interval))\s*[;,)=]")


class House:
    def __init__(self):
        self.problems = []
        self.soft = defaultdict(int)
        self.excused = {}
        for line in self.table("exceptions.txt"):
            check, path, reason = line.split(None, 2)
            self.excused[(check, path)] = reason
        self.used = set()
        self.files = {}
        for top in PRODUCT:
            for path in sorted((ROOT / top).rglob("*.[ch]")):
                name = path.relative_to(ROOT).as_posix()
                self.files[name] = path.read_text().splitlines()

    def table(self, name):
        lines = (line.split("#", 1)[0].strip() for line in (HERE / name).read_text().splitlines())
        return [line for line in lines if line]

    def problem(self, check, path, line, text):
        if (check, path) in self.excused:
            self.used.add((check, path))
            return
        self.problems.append(f"{path}:{line}: {text}")

    def measure(self, what, value, path, line, name):
        if value > HARD[what]:
            self.problem(what, path, line, f"{name} has {value}, at most {HARD[what]} ({what}); split it at a noun")
        elif value > SOFT.get(what, HARD[what]):
            self.soft[what] += 1


def room_of(path):
    return path.rsplit("/", 1)[0]


def without_comments(lines):
    """The same lines with comments and string contents blanked, so that rules look at code only."""
    out, inside = [], False
    for line in lines:
        text = ""
        i = 0
        while i < len(line):
            if inside:
                end = line.find("*/", i)
                if end < 0:
                    break
                inside, i = False, end + 2
            elif line.startswith("/*", i):
                inside, i = True, i + 2
            elif line.startswith("//", i):
                break
            elif line[i] in "\"'":
                quote, start = line[i], i
                i += 1
                while i < len(line) and line[i] != quote:
                    i += 2 if line[i] == "\\" else 1
                i += 1
                text += quote + quote if i - start > 1 else ""
            else:
                text += line[i]
                i += 1
        out.append(text)
    return out


def check_layers(house):
    allowed, seams = {}, []
    for line in house.table("layers.txt"):
        left, right = line.split(":", 1)
        if left.startswith("seam "):
            seams.append((left[5:], tuple(right.split())))
        else:
            allowed[left] = set(right.split())
    for path, lines in house.files.items():
        room = room_of(path)
        for number, line in enumerate(lines, 1):
            own = re.match(r'#include "(.+)"', line)
            if own:
                other = room_of(own[1])
                if room not in allowed:
                    house.problem("layer", path, number, f"room {room} is not in layers.txt; give it a floor")
                elif other != room and other not in allowed[room]:
                    house.problem("layer", path, number, f"{room} may not include {other}; include downwards only")
                if not (ROOT / own[1]).exists() and not own[1].startswith("build/"):
                    house.problem("layer", path, number, f"{own[1]} does not exist from the root")
            system = re.match(r"#include <(.+)>", line)
            for prefix, rooms in seams if system else ():
                if system[1].startswith(prefix) and not any(
                        path.startswith(r + "/") or path.startswith(r) for r in rooms):
                    house.problem("seam", path, number, f"<{system[1]}> belongs to {', '.join(rooms)} only")


def check_forms(house):
    for path, lines in house.files.items():
        stem = path.rsplit("/", 1)[1]
        if not lines or "SPDX-License-Identifier: Apache-2.0" not in lines[0]:
            house.problem("form", path, 1, "the first line is the SPDX identifier")
        if not any(re.match(rf" \* {re.escape(stem)} - \S", line) for line in lines[:4]):
            house.problem("form", path, 2, f"the second line says `{stem} - noun phrase.`")
        if path.endswith(".h"):
            guard = "TRUNKLINE_" + re.sub(r"[/.]", "_", path).upper()
            if f"#ifndef {guard}" not in lines:
                house.problem("form", path, 1, f"the header guard is {guard}")
        else:
            includes = [line for line in lines if line.startswith("#include")]
            header = path[:-1] + "h"
            if header in house.files and includes and includes[0] != f'#include "{header}"':
                house.problem("form", path, 1, f'"{header}" is included first: it proves to be self-contained')
        for number, line in enumerate(lines, 1):
            if len(line) > HARD["line"] and not path.endswith(("_table.h", "/limits.h")):
                house.problem("line", path, number, f"{len(line)} columns, at most {HARD['line']}")
            if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line):
                house.problem("form", path, number, "unfinished work is not committed; NEEDSWORK names an open decision")


def check_words(house):
    words = dict(line.split(None, 1) for line in house.table("names.txt"))
    pattern = re.compile(r"(?:^|_)(" + "|".join(words) + r")(?:_|$|\.)")
    for path, lines in house.files.items():
        named = pattern.search(path.rsplit("/", 1)[1])
        if named:
            house.problem("name", path, 1, f"`{named[1]}` in a file name; say {words[named[1]]}")
        for number, line in enumerate(without_comments(lines), 1):
            if line.startswith("#include"):
                continue
            for word in re.findall(r"[A-Za-z_]\w*", line):
                found = pattern.search(word) if word.islower() else None
                if found:
                    house.problem("name", path, number, f"`{found[1]}` in {word}; say {words[found[1]]}")
            unitless = UNITLESS.search(line)
            if unitless:
                house.problem("unit", path, number, f"{unitless[1]} has no unit; end it in _ms, _s or _bytes")


def check_functions(house):
    for path, lines in house.files.items():
        code = without_comments(lines)
        house.measure(path[-1], len(lines), path, 1, "the file")
        start = None
        for number, line in enumerate(code, 1):
            if line == "{":
                start = number
            elif line.startswith("}") and start:
                signature = " ".join(code[max(0, start - 7):start - 1])
                signature = re.split(r"[;}]", signature)[-1]
                name = re.search(r"(\w+)\s*\(", signature)
                label = name[1] if name else "a function"
                house.measure("function", number - start - 1, path, start, label)
                inside = re.search(r"\w+\s*\((.*)\)\s*$", signature.strip())
                if inside:
                    bare = re.sub(r"\([^()]*\)", "", inside[1])
                    house.measure("parameters", bare.count(",") + 1, path, start, label)
                depth = deepest = 0
                for body in code[start:number - 1]:
                    depth += body.count("{") - body.count("}")
                    opens = re.search(r"\b(if|for|while|switch|do|else)\b.*\{$|^\s*\{$|\)\s*\{$", body)
                    deepest = max(deepest, depth if opens else 0)
                if deepest > HARD["nesting"]:
                    house.problem("nesting", path, start, f"{label} nests {deepest} deep, at most {HARD['nesting']}")
                start = None
        for match in re.finditer(r"^struct (\w+) \{\n(.*?)^\};", "\n".join(code), re.M | re.S):
            fields = len(re.findall(r";", re.sub(r"\{[^}]*\}", "", match[2])))
            line = "\n".join(code)[:match.start()].count("\n") + 1
            house.measure("fields", fields, path, line, f"struct {match[1]}")


def check_calls(house):
    for path, lines in house.files.items():
        code = without_comments(lines)
        for number, line in enumerate(code, 1):
            banned = BANNED.search(line) if path != "common/base/banned.h" else None
            if banned:
                house.problem("banned", path, number, f"{banned[1]} is banned; see common/base/banned.h")
            if re.search(r"\brealloc\s*\(", line) and path != "common/base/buf.c":
                house.problem("banned", path, number, "realloc is for buf.c only")
            if path.endswith(".c") and re.match(r"\s*extern\b", line):
                house.problem("form", path, number, "`extern` in a .c file; include the header")
            if re.match(r"static (?!const\b|inline\b|_Noreturn\b|void \*const|struct \w+ \*const)[^(]*(;|=[^(]*)$", line) \
                    and "const" not in line:
                house.problem("global", path, number, "a variable outlives its function; pass it down from the composition root")
            opened = re.match(r"static (?:struct|union)( \w+)? \{$", line)
            if opened and any(re.match(r"\} \w", end) for end in code[number:number + 30] if end.startswith("}")):
                house.problem("global", path, number, "a variable outlives its function; pass it down from the composition root")
            if re.match(r"\s+static (?!const\b|_Thread_local const)", line) and "const" not in line:
                house.problem("global", path, number, "a static local is a global; pass it down")
        for number, line in enumerate(lines, 1):
            if SQL.search(line) and not path.startswith(SQL_ROOMS):
                house.problem("sql", path, number, "SQL lives in control/store and the replica only")


def check_rooms(house):
    rooms = sorted({room_of(path) for path in house.files})
    for room in rooms + ["tests", "schema"]:
        readme = ROOT / room / "README.md"
        if not readme.exists():
            house.problem("readme", room, 1, "a directory says in README.md which question it answers")
            continue
        text = readme.read_text()
        house.measure("readme", len(text.splitlines()), f"{room}/README.md", 1, "the page")
        for name in re.findall(r"`([a-z_0-9]+\.[ch])`", text):
            if not (ROOT / room / name).exists() and not any(p.endswith("/" + name) for p in house.files):
                house.problem("readme", f"{room}/README.md", 1, f"it names {name}, which does not exist")
    for path in house.files:
        if path.endswith(".c") and path.startswith(MIRRORED):
            room, name = path.rsplit("/", 1)
            if not (ROOT / "tests/unit" / room / f"test_{name}").exists():
                house.problem("mirror", path, 1, f"no tests/unit/{room}/test_{name}")


def check_uses(house):
    """Tables and headers hold what is used: functions that nobody calls, errors and limits that nobody names."""
    text = {path: "\n".join(without_comments(lines)) for path, lines in house.files.items()}
    tests = "\n".join(p.read_text() for p in sorted((ROOT / "tests").rglob("*.[ch]")))
    words = defaultdict(set)
    for path, code in text.items():
        for word in set(re.findall(r"\w+", code)):
            words[word].add(path)
    test_words = set(re.findall(r"\w+", tests))
    for path, code in text.items():
        if not path.endswith(".h"):
            continue
        for name in re.findall(r"^(?:MUST_USE |_Noreturn )?\w[\w *]*?\b\*?(\w+)\([^;{}]*\)(?: PRINTF_LIKE\([^)]*\))?;", code, re.M):
            users = {p for p in words[name] if p not in (path, path[:-1] + "c")}
            if name.endswith("_fn") or re.search(rf"#define [^\n]*(\\\n[^\n]*)*\b{name}\(", code):
                continue  # a function type, or called by a macro of this header
            if not users and name not in test_words:
                house.problem("unused", path, 1, f"{name} is declared and used nowhere; delete it")
            elif not users and path[:-1] + "c" in text and path.startswith(("control", "dataplane")):
                house.soft["used by tests only"] += 1
    for table, prefix in (("common/base/err_table.h", "ERR_"), ("common/model/limits.h", "LIMIT_")):
        for name in re.findall(r"^\s*X\((\w+),", "\n".join(house.files[table]), re.M):
            if not (words[prefix + name] - {table}) and name != "OK":
                house.problem("unused", table, 1, f"{prefix}{name} is used nowhere; delete the row")


CHECKS = (check_layers, check_forms, check_words, check_functions, check_calls, check_rooms, check_uses)


def main():
    house = House()
    for check in CHECKS:
        check(house)
    for key in sorted(set(house.excused) - house.used):
        house.problems.append(f"tests/tidy/exceptions.txt: {' '.join(key)} is not needed any more; remove the line")
    for text in house.problems:
        print(text)
    soft = ", ".join(f"{count} {what}" for what, count in sorted(house.soft.items()))
    lines = sum(len(content) for content in house.files.values())
    print(f"tidy: {len(house.files)} files, {lines} lines, {len(house.problems)} problems"
          + (f"; past the soft limits: {soft}" if soft else ""))
    return 1 if house.problems else 0


if __name__ == "__main__":
    sys.exit(main())
