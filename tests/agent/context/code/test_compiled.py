"""The other languages: what counts as a definition, and on which lines it stands."""

import pytest
from tests.agent.context.code.test_scripts import SCRIPTS

from tallystick_agent.context.code.languages import BY_NAME, LANGUAGES
from tallystick_agent.context.code.parse import definitions

COMPILED = {
    "go": (
        """\
package a

type S struct {
	X int
}

// F does.
func F(a int) int {
	return a
}

func (s *S) M() {
}

type A = S

type (
	B int
)
""",
        """
        S type_spec 3-5
        F function_declaration 8-10
        M method_declaration 12-13
        A type_alias 15-15
        B type_spec 18-18
        """,
    ),
    "rust": (
        """\
struct S {
    x: u8,
}

#[derive(Debug)]
enum E { A }

impl S {
    fn m(&self) -> u8 {
        1
    }
}

impl<T> From<T> for S {
}
trait T {
    fn t(&self);
}
mod tests {
    fn f() {}
}
macro_rules! mac {
    () => {};
}
union U { a: u8 }
type X = u8;
""",
        """
        S struct_item 1-3
        E enum_item 6-6
        S impl_item 8-12
        m function_item 9-11
        S impl_item 14-15
        T trait_item 16-18
        t function_signature_item 17-17
        tests mod_item 19-21
        f function_item 20-20
        mac macro_definition 22-24
        U union_item 25-25
        X type_item 26-26
        """,
    ),
    "java": (
        """\
package a;

class A {
    A() {
    }

    @Override
    public int m() {
        return 1;
    }
}
interface I {
    void n();
}
enum E { A }
record R(int a) {}
@interface Ann {}
""",
        """
        A class_declaration 3-11
        A constructor_declaration 4-5
        m method_declaration 8-10
        I interface_declaration 12-14
        n method_declaration 13-13
        E enum_declaration 15-15
        R record_declaration 16-16
        Ann annotation_type_declaration 17-17
        """,
    ),
    "c": (
        """\
#define TWICE(x) ((x) * 2)
#define LIMIT 3
struct s {
    int a;
};
union u {
    int a;
};
enum e { A };
typedef int number;
static int *f(int a)
{
    return 0;
}
int
g(void)
{
}
typedef int (*fn)(void);
""",
        """
        TWICE preproc_function_def 1-1
        s struct_specifier 3-5
        u union_specifier 6-8
        e enum_specifier 9-9
        number type_definition 10-10
        f function_definition 11-14
        g function_definition 15-18
        fn type_definition 19-19
        """,
    ),
    "cpp": (
        """\
template <class T>
T twice(T a) {
  return a;
}
namespace n {
class A {
 public:
  A();
  ~A() {}
  int m() const {
    return 1;
  }
  bool operator==(const A &o) { return true; }
};
int A::out(int x) {
  return x;
}
using X = int;
enum E { P };
}
""",
        """
        twice function_definition 2-4
        n namespace_definition 5-20
        A class_specifier 6-14
        ~A function_definition 9-9
        m function_definition 10-12
        operator== function_definition 13-13
        A::out function_definition 15-17
        X alias_declaration 18-18
        E enum_specifier 19-19
        """,
    ),
    "csharp": (
        """\
namespace N
{
    [Attr]
    public class A
    {
        public A() { }
        public int P { get; set; }
        [Test]
        public int M()
        {
            return 1;
        }
    }
    interface I { }
    struct S { }
    enum E { A }
    record R(int A);
    delegate void D();
}
""",
        """
        N namespace_declaration 1-19
        A class_declaration 4-13
        A constructor_declaration 6-6
        P property_declaration 7-7
        M method_declaration 9-12
        I interface_declaration 14-14
        S struct_declaration 15-15
        E enum_declaration 16-16
        R record_declaration 17-17
        D delegate_declaration 18-18
        """,
    ),
    "scala": (
        """\
class A {
  def m(): Int = {
    1
  }
}
object O
trait T {
  def t(): Int
}
enum E {
  case X
}
""",
        """
        A class_definition 1-5
        m function_definition 2-4
        O object_definition 6-6
        T trait_definition 7-9
        t function_declaration 8-8
        E enum_definition 10-12
        """,
    ),
    "swift": (
        """\
class A {
    init() {
    }
    func m() -> Int {
        return 1
    }
}
struct S {}
enum E { case a }
protocol P {
  func q()
}
typealias X = Int
extension A {
}
""",
        """
        A class_declaration 1-7
        init init_declaration 2-3
        m function_declaration 4-6
        S class_declaration 8-8
        E class_declaration 9-9
        P protocol_declaration 10-12
        X typealias_declaration 13-13
        A class_declaration 14-15
        """,
    ),
}
"""A text of each language, and the definitions in it: name, kind, lines."""


@pytest.mark.parametrize("name", COMPILED)
def test_definitions_of_a_language(name: str) -> None:
    text, expected = COMPILED[name]
    found = definitions(text.encode(), BY_NAME[name])
    assert [f"{one.name} {one.kind} {one.first}-{one.last}" for one in found] == [
        line.strip() for line in expected.strip().splitlines()
    ]


def test_every_language_has_a_row() -> None:
    assert {*SCRIPTS, *COMPILED} == {language.name for language in LANGUAGES}
