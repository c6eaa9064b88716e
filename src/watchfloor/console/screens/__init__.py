"""Screens: they read through workers, show values, and ask the desk."""
