"""What plays: files that need numpy alone and import nothing of aicomp, so that a submission carries them as they are."""
