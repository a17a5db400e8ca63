import unittest

from editor import Editor


class EditorTest(unittest.TestCase):
    def test_undo_one_edit(self):
        editor = Editor("tea")
        editor.write(" pot")
        self.assertTrue(editor.undo())
        self.assertEqual(editor.text, "tea")

    def test_undo_replace(self):
        editor = Editor("red red")
        editor.replace("red", "blue")
        self.assertEqual(editor.text, "blue blue")
        editor.undo()
        self.assertEqual(editor.text, "red red")

    def test_nothing_to_undo(self):
        self.assertFalse(Editor("tea").undo())

    def test_undo_after_many_edits(self):
        editor = Editor()
        for letter in "abcde":
            editor.write(letter)
        editor.undo()
        self.assertEqual(editor.text, "abcd")

    def test_oldest_steps_are_forgotten(self):
        editor = Editor(limit=2)
        for letter in "abcde":
            editor.write(letter)
        self.assertTrue(editor.undo())
        self.assertTrue(editor.undo())
        self.assertFalse(editor.undo())
        self.assertEqual(editor.text, "abc")


if __name__ == "__main__":
    unittest.main()
