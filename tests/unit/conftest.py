"""Property tests assert no wall-clock time: a busy machine is no fault of the code."""

import hypothesis

hypothesis.settings.register_profile("lan", deadline=None)
hypothesis.settings.load_profile("lan")
