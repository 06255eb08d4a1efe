/*
 * What an adapter brings for its runtime rides along in the object: in a section of its own, behind what every
 * process reads at its start, so that only a process that runs it has it in memory.
 */
#ifndef RM_ADAPTERS_EMBEDDED_H
#define RM_ADAPTERS_EMBEDDED_H

#define RM_EMBEDDED __attribute__((section(".embedded")))

#endif
