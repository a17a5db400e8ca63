import unittest

from playlist import Playlist, Track


class PlaylistTest(unittest.TestCase):
    def test_tags_given_at_the_start(self):
        track = Track("Harbour", 200, ["calm", "night"])
        self.assertEqual(track.tags, ["calm", "night"])

    def test_same_tag_twice(self):
        track = Track("Harbour", 200, ["calm"])
        track.add_tag("calm")
        self.assertEqual(track.tags, ["calm"])

    def test_each_track_has_its_own_tags(self):
        mix = Playlist("mix")
        first = mix.add(Track("Harbour", 200))
        mix.add(Track("Engine", 150))
        first.add_tag("slow")
        self.assertEqual(mix.with_tag("slow"), ["Harbour"])

    def test_new_track_has_no_tags(self):
        Track("Harbour", 200).add_tag("loud")
        self.assertEqual(Track("Engine", 150).tags, [])

    def test_length(self):
        mix = Playlist("mix")
        mix.add(Track("Harbour", 200))
        mix.add(Track("Engine", 45))
        self.assertEqual(mix.length(), "4:05")


if __name__ == "__main__":
    unittest.main()
