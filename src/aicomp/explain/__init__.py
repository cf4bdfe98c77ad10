"""What a model saw in a row: the words, or the places of a picture, that moved its prediction."""
