import unittest

from textkit.lines import number_lines, unique_lines


class UniqueLinesTest(unittest.TestCase):
    def test_no_repeats(self):
        self.assertEqual(unique_lines("oak\nelm\nfir"), ["oak", "elm", "fir"])

    def test_repeats_keep_the_first_order(self):
        self.assertEqual(unique_lines("oak\nelm\noak\nfir\nelm"), ["oak", "elm", "fir"])

    def test_case_does_not_matter(self):
        self.assertEqual(unique_lines("Oak\nOAK\noak"), ["Oak"])

    def test_spaces_do_not_matter(self):
        self.assertEqual(unique_lines("  silver   fir\nsilver fir "), ["silver fir"])

    def test_empty_lines_are_left_out(self):
        self.assertEqual(unique_lines("oak\n\n   \nelm\n"), ["oak", "elm"])

    def test_empty_text(self):
        self.assertEqual(unique_lines(""), [])

    def test_numbers(self):
        self.assertEqual(number_lines(unique_lines("a\nb\nA")), ["1. a", "2. b"])


if __name__ == "__main__":
    unittest.main()
