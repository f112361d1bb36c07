"""What is said to people, in English: the interfaces' words. Flows, steps and models know none."""
