"""What ROMA Connect FDI says."""
