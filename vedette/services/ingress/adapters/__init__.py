"""What ingress reads from the disk: its certificate and the web app."""
