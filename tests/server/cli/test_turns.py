"""Every document in `tests/scenarios/turns` is played with the real program and compared, block by block."""

from pathlib import Path

import pytest
from tests.support.markdown_turn import EXPECTED, TurnDocument, run_document

DOCUMENTS = sorted((Path(__file__).resolve().parents[2] / "scenarios" / "turns").glob("*.md"))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_turn(path: Path, tmp_path: Path, update_scenarios: bool) -> None:
    document = TurnDocument.parse(path.read_text("utf-8"))
    seen = run_document(document, tmp_path).seen
    if update_scenarios:
        path.write_text(document.with_expected(seen), "utf-8")
        return
    expected = {kind: "".join(body for _, body in document.of(kind)) for kind in EXPECTED}
    assert seen == expected
