"""A playlist of tagged tracks."""


class Track:
    """A song with a length in seconds and a list of tags."""

    def __init__(self, title, seconds, tags=[]):
        self.title = title
        self.seconds = seconds
        self.tags = tags

    def add_tag(self, tag):
        """Add a tag unless the track has it already."""
        if tag not in self.tags:
            self.tags.append(tag)


class Playlist:
    """Tracks in the order they were added."""

    def __init__(self, name):
        self.name = name
        self.tracks = []

    def add(self, track):
        self.tracks.append(track)
        return track

    def with_tag(self, tag):
        """Return the titles of the tracks that have the tag."""
        return [track.title for track in self.tracks if tag in track.tags]

    def length(self):
        """Return the total length as minutes:seconds."""
        minutes, seconds = divmod(sum(track.seconds for track in self.tracks), 60)
        return f"{minutes}:{seconds:02d}"
