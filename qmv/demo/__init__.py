"""The demo song: QMV's own music, composed in code, so that its beats are known exactly."""
