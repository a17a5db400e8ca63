import unittest

from table import column_widths, format_row, format_table


class TableTest(unittest.TestCase):
    def test_header_is_the_longest(self):
        self.assertEqual(column_widths(["animal", "legs"], [["cat", 4]]), [6, 4])

    def test_longest_cell_in_the_first_row(self):
        rows = [["millipede", 750], ["cat", 4]]
        self.assertEqual(column_widths(["animal", "n"], rows), [9, 3])

    def test_longest_cell_in_the_last_row(self):
        rows = [["cat", 4], ["millipede", 750]]
        self.assertEqual(column_widths(["animal", "n"], rows), [9, 3])

    def test_numbers_are_moved_to_the_right(self):
        self.assertEqual(format_row(["cat", 4], [5, 3]), "cat   |   4")

    def test_whole_table(self):
        text = format_table(["name", "age"], [["Josephine", 31], ["Al", 5]])
        self.assertEqual(
            text.split("\n"),
            [
                "name      | age",
                "----------+----",
                "Josephine |  31",
                "Al        |   5",
            ],
        )


if __name__ == "__main__":
    unittest.main()
