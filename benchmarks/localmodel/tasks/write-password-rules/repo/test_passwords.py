import unittest

from passwords import problems


class ProblemsTest(unittest.TestCase):
    def test_fine(self):
        self.assertEqual(problems("Blue7Kettle"), [])

    def test_ten_characters_are_enough(self):
        self.assertEqual(problems("Blue7Kettl"), [])

    def test_too_short(self):
        self.assertEqual(problems("Blue7Kett"), ["too short"])

    def test_no_digit(self):
        self.assertEqual(problems("BlueKettles"), ["no digit"])

    def test_no_capital(self):
        self.assertEqual(problems("blue7kettle"), ["no capital"])

    def test_space(self):
        self.assertEqual(problems("Blue 7 Kettle"), ["has a space"])

    def test_all_problems(self):
        self.assertEqual(
            problems("blue pot"), ["too short", "no digit", "no capital", "has a space"]
        )


if __name__ == "__main__":
    unittest.main()
