/*
 * What 32-bit programs below a 64-bit one are given: an object without anything in it. For the
 * 64-bit one the loader would print a line on the standard error of each of them.
 */
