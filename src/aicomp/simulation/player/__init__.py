"""What plays: files that need numpy alone, so that a submission carries them as they are."""
