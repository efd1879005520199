"""What OceanBase OCP says."""
