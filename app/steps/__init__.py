"""Steps that several stories share. A step runs in the transaction of the story that takes it."""
