"""Languages of scripts and of screens: what counts as a definition, and on which lines it stands."""

import pytest

from tallystick_agent.context.code.languages import BY_NAME
from tallystick_agent.context.code.parse import definitions

SCRIPTS = {
    "python": (
        """\
import os

# about f
@deco
def f(x):
    def inner():
        pass
    return x

class A:
    async def m(self):
        pass
""",
        """
        f function_definition 5-8
        inner function_definition 6-7
        A class_definition 10-12
        m function_definition 11-12
        """,
    ),
    "javascript": (
        """\
function f(a) {
  return a;
}
class A {
  m() {
    return 1;
  }
}
const g = (x) => x;
export const LIMIT = 3;
function* gen() {}
const h = function () {
};
""",
        """
        f function_declaration 1-3
        A class_declaration 4-8
        m method_definition 5-7
        g variable_declarator 9-9
        LIMIT variable_declarator 10-10
        gen generator_function_declaration 11-11
        h variable_declarator 12-13
        """,
    ),
    "typescript": (
        """\
interface I {
  a: number;
}
type T = string;
enum E { A }
abstract class B {
  abstract m(): void;
  n(): void {}
}
namespace N {
  export function f(): void {}
}
@Deco({
  a: 1,
})
class D {}
""",
        """
        I interface_declaration 1-3
        T type_alias_declaration 4-4
        E enum_declaration 5-5
        B abstract_class_declaration 6-9
        m abstract_method_signature 7-7
        n method_definition 8-8
        N internal_module 10-12
        f function_declaration 11-11
        D class_declaration 16-16
        """,
    ),
    "tsx": (
        """\
export function App() {
  return <div/>;
}
const B = () => <p/>;
""",
        """
        App function_declaration 1-3
        B variable_declarator 4-4
        """,
    ),
    "ruby": (
        """\
module M
  class A
    def m(x)
      x
    end

    def self.s
    end
  end
end
""",
        """
        M module 1-10
        A class 2-9
        m method 3-5
        s singleton_method 7-8
        """,
    ),
    "php": (
        """\
<?php
function f($a) {
    return $a;
}
class A {
    public function m() {
    }
}
interface I {}
trait T {}
enum E {}
""",
        """
        f function_definition 2-4
        A class_declaration 5-8
        m method_declaration 6-7
        I interface_declaration 9-9
        T trait_declaration 10-10
        E enum_declaration 11-11
        """,
    ),
    "bash": (
        """\
f() {
  echo a
}
function g {
  echo b
}
""",
        """
        f function_definition 1-3
        g function_definition 4-6
        """,
    ),
    "lua": (
        """\
local function f(a)
  return a
end
function M.g()
end
function M:h()
end
local k = function()
end
M.z = function() end
""",
        """
        f function_declaration 1-3
        M.g function_declaration 4-5
        M:h function_declaration 6-7
        """,
    ),
    "kotlin": (
        """\
class A {
    fun m(): Int {
        return 1
    }
}
object O {
}
fun f() = 1
interface I
typealias X = Int
fun String.ext() = 1
val x = 1
""",
        """
        A class_declaration 1-5
        m function_declaration 2-4
        O object_declaration 6-7
        f function_declaration 8-8
        I class_declaration 9-9
        X type_alias 10-10
        ext function_declaration 11-11
        """,
    ),
}
"""A text of each language, and the definitions in it: name, kind, lines."""


@pytest.mark.parametrize("name", SCRIPTS)
def test_definitions_of_a_language(name: str) -> None:
    text, expected = SCRIPTS[name]
    found = definitions(text.encode(), BY_NAME[name])
    assert [f"{one.name} {one.kind} {one.first}-{one.last}" for one in found] == [
        line.strip() for line in expected.strip().splitlines()
    ]
