import copy
import unittest

from profiles.merging import merge
from profiles.store import Store


class MergeTest(unittest.TestCase):
    def test_new_key(self):
        self.assertEqual(merge({"name": "Lea"}, {"age": 30}), {"name": "Lea", "age": 30})

    def test_value_is_replaced(self):
        self.assertEqual(merge({"age": 30}, {"age": 31}), {"age": 31})

    def test_none_removes(self):
        self.assertEqual(merge({"age": 30, "name": "Lea"}, {"age": None}), {"name": "Lea"})

    def test_none_for_a_missing_key(self):
        self.assertEqual(merge({"name": "Lea"}, {"age": None}), {"name": "Lea"})

    def test_nested(self):
        profile = {"mail": {"news": True, "address": "lea@example.org"}}
        changes = {"mail": {"news": False, "address": None, "digest": "weekly"}}
        self.assertEqual(merge(profile, changes), {"mail": {"news": False, "digest": "weekly"}})

    def test_lists_are_joined(self):
        profile = {"likes": ["tea", "jazz"]}
        self.assertEqual(
            merge(profile, {"likes": ["jazz", "chess"]}), {"likes": ["tea", "jazz", "chess"]}
        )

    def test_different_types_are_replaced(self):
        self.assertEqual(merge({"likes": "tea"}, {"likes": ["jazz"]}), {"likes": ["jazz"]})
        self.assertEqual(merge({"mail": {"news": True}}, {"mail": "no"}), {"mail": "no"})

    def test_arguments_are_not_changed(self):
        profile = {"mail": {"news": True}, "likes": ["tea"], "age": 30}
        changes = {"mail": {"news": None}, "likes": ["jazz"], "age": None}
        before = copy.deepcopy((profile, changes))
        self.assertEqual(merge(profile, changes), {"mail": {}, "likes": ["tea", "jazz"]})
        self.assertEqual((profile, changes), before)

    def test_store(self):
        store = Store()
        store.change("lea", {"age": 30})
        store.change("lea", {"likes": ["tea"]})
        self.assertEqual(store.get("lea"), {"age": 30, "likes": ["tea"]})


if __name__ == "__main__":
    unittest.main()
