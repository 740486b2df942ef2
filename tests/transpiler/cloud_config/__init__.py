"""Tests of the conversion of cloud-configs."""
