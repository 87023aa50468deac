"""Builds the demo appliance: slot trees and disk images, without mounts or loop devices."""
