import unittest

from masking import mask


class MaskTest(unittest.TestCase):
    def test_plain_code(self):
        self.assertEqual(mask("12345678"), "****5678")

    def test_dashes_are_kept(self):
        self.assertEqual(mask("AB12-CD34-5678"), "****-****-5678")

    def test_dash_between_visible_characters(self):
        self.assertEqual(mask("1234-56-78"), "****-56-78")

    def test_spaces_are_kept(self):
        self.assertEqual(mask("ab cd ef", visible=2), "** ** ef")

    def test_short_code_stays_visible(self):
        self.assertEqual(mask("A1-9"), "A1-9")

    def test_nothing_visible(self):
        self.assertEqual(mask("A1-9", visible=0), "**-*")

    def test_empty_code(self):
        self.assertEqual(mask(""), "")


if __name__ == "__main__":
    unittest.main()
