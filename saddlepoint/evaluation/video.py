"""Frames as an MP4 that every browser plays: H.264, yuv420p, in memory."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

import av
import numpy as np
from numpy.typing import NDArray

FRAMES_PER_S = 30
_QUALITY = "24"
"""x264's constant rate factor: what is dull costs little, and a game of Atari about 10 kB a second."""


class Video:
    """An MP4 under way."""

    def __init__(self, container: av.container.OutputContainer, stream: av.VideoStream) -> None:
        self._container, self._stream = container, stream

    def add(self, picture: NDArray[np.uint8]) -> None:
        """(R, C, 3); one of another size than the video's is stretched, its pixels left sharp."""
        rows, columns = self._stream.height, self._stream.width
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        stretched = frame.reformat(width=columns, height=rows, format="yuv420p", interpolation="POINT")
        for packet in self._stream.encode(stretched):
            self._container.mux(packet)

    def end(self) -> None:
        for packet in self._stream.encode():
            self._container.mux(packet)


@contextmanager
def writing(buffer: io.BytesIO, rows: int, columns: int, bytes_per_s: int) -> Iterator[Video]:
    """A video of even `rows` and `columns` into `buffer`, whole once the context is left.

    Where the quality would cost more than `bytes_per_s` in the long run, it is lowered.
    """
    rate = str(8 * bytes_per_s)
    options = {"crf": _QUALITY, "preset": "veryfast", "maxrate": rate, "bufsize": rate, "g": "60", "threads": "1"}
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FRAMES_PER_S, options=options)
        stream.width, stream.height, stream.pix_fmt = columns, rows, "yuv420p"
        video = Video(container, stream)
        yield video
        video.end()
