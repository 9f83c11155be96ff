"""Calendars, steps of stages, reminders, and what follows a moved date."""
