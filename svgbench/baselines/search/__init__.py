"""Search over policy parameters: whole policies are drawn and scored by episodes."""
