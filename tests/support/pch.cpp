// Nothing but the precompiled <catch2/catch.hpp>, which main.cpp itself cannot use.
