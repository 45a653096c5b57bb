// The room's error category; filled in with its first codes.
