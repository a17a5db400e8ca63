"""Calls of the page's pure functions, `(module, function, arguments)`, with what they give as JSON; `1n` is a BigInt."""

from typing import Any, Final

Call = tuple[str, str, list[Any]]
BIG: Final = "9007199254740993123"

CALLS: Final[list[tuple[Call, Any]]] = [
    (("format", "whole", ["12"]), "12n"),
    (("format", "whole", [None]), None),
    (("format", "whole", ["twelve"]), None),
    (("format", "whole", [9007199254740993123]), None),
    (("format", "exact", [BIG]), "9,007,199,254,740,993,123"),
    (("format", "exact", [None]), "unknown"),
    (("format", "exact", ["-1234"]), "-1,234"),
    (("format", "counted", ["1", "turn"]), "1 turn"),
    (("format", "counted", ["1000", "turn"]), "1,000 turns"),
    *(
        (("format", "brief", [given]), said)
        for given, said in [
            ("0", "0"), ("999", "999"), ("1000", "1.0K"), ("1249", "1.2K"), ("1250", "1.3K"), ("99949", "99.9K"),
            ("99950", "100K"),
            ("999499", "999K"), ("999500", "1.0M"), ("1200000000", "1.2B"), ("999950000000", "1.0T"), (BIG, "9,007P"),
            ("-1500", "−1.5K"), (None, "unknown"), ("x", "unknown"),
        ]
    ),
    *(
        (("format", "dollars", [given]), said)
        for given, said in [
            ("0", "$0.00"), ("0.000000001", "$0.000000001"), ("1234.5", "$1,234.50"), ("-0.25", "−$0.25"), (None, "unknown"),
            ("9007199254.740993123", "$9,007,199,254.740993123"), ("1e5", "unknown"), ("", "unknown"),
        ]
    ),
    *(
        (("format", "briefDollars", [given]), said)
        for given, said in [
            ("0", "$0"), ("0.000000001", "<$0.0001"), ("0.00005", "$0.0001"), ("0.99994", "$0.9999"), ("0.99996", "$1.0000"),
            ("1.005", "$1.01"), ("1234.567", "$1,234.57"), ("-0.00000001", "−$0.0001"), ("-2.5", "−$2.50"), (None, "unknown"),
        ]
    ),
    *(
        (("format", "percent", [given]), said)
        for given, said in [
            ("0.1234", "12%"), ("0.0567", "5.7%"), ("0.0000", "0%"), ("0.00009", "<0.1%"), ("1.0000", "100%"),
            ("0.9996", ">99.9%"),
            ("0.9962", "99.6%"), ("1.2", "120%"), (None, "–"), ("", "–"),
        ]
    ),
    (("format", "ratio", ["1", "3"]), 0.333333),
    (("format", "ratio", ["1", "0"]), 0),
    (("format", "change", ["112", "100"]), {"text": "+12%", "up": True, "down": False}),
    (("format", "change", ["88", "100"]), {"text": "−12%", "up": False, "down": True}),
    (("format", "change", ["3400", "100"]), {"text": "×34", "up": True, "down": False}),
    (("format", "change", ["5", "0"]), {"text": "new", "up": True}),
    (("format", "change", ["5", None]), None),
    (("format", "periodName", ["2026-11-16", "2026-11-22"]), "16 Nov – 22 Nov 2026"),
    (("format", "shiftDay", ["2026-03-01", -1]), "2026-02-28"),
    (("format", "shiftMonth", ["2026-03-31", -1]), "2026-02-28"),
    (("format", "words", ["tool_output"]), "Tool output"),
    (("format", "codeName", ["typescript"]), "TypeScript"),
    (("format", "codeName", ["c++"]), "C++"),
    (("format", "modelParts", ["openai/gpt-5.6"]), {"author": "openai", "name": "gpt-5.6"}),
    (("format", "modelParts", ["local"]), {"author": "", "name": "local"}),
    (("scale", "ticks", ["0"]), ["0n", "1n"]),
    (("scale", "ticks", ["16200000"]), ["0n", "5000000n", "10000000n", "15000000n", "20000000n"]),
    (("scale", "ticks", [BIG, 2]), ["0n", "5000000000000000000n", "10000000000000000000n"]),
    (("scale", "seriesNames", [[{"values": [
        {"name": "other", "tokens": "9"}, {"name": "b", "tokens": "2"}, {"name": "a", "tokens": "2"},
    ]}]]),
     [{"name": "a", "tokens": "2n"}, {"name": "b", "tokens": "2n"}, {"name": "other", "tokens": "9n"}]),
    (("scale", "sparkline", [["0", "10"], 10, 10, 0]), [[0, 10], [10, 0]]),
    (("scale", "sparkline", [[], 10, 10]), []),
    (("scale", "withRoom", [["a", "b", "", "d", "e"], 20, 40]), [4, 1]),
    (("route", "parse", ["#/model/a%2Fb%3Fc?period=day&date=2026-02-31&x=1"]),
     {"view": "model", "id": "a/b?c",
      "filters": {"period": "day", "date": "2026-02-31", "app": "", "model": "", "key": "", "by": "", "sort": ""}}),
    (("route", "parse", ["#/nonsense/%ff?period=year&date=1"]),
     {"view": "rankings", "id": "",
      "filters": {"period": "week", "date": "", "app": "", "model": "", "key": "", "by": "", "sort": ""}}),
    (("route", "address", ["app", "github.com/a/b?c#d", {"period": "week", "app": "x y"}]),
     "#/app/github.com%2Fa%2Fb%3Fc%23d?app=x+y"),
    (("palette", "hue", ["x", "never painted"]), "hue-other"),
    (("palette", "familyHue", ["constructor"]), "hue-other"),
]  # fmt: skip
