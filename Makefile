# What a person types. Everything below needs only git, make and Python 3.11 or newer.
PYTHON ?= python3
UV_VERSION := 0.9.0
VENV := .venv
BIN := $(VENV)/bin

